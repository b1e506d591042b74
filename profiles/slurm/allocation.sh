#!/bin/bash
# The whole workflow in one SLURM job on one node:
#   sbatch profiles/slurm/allocation.sh --configfile config/paper.yaml
# What stands before the script goes to sbatch and wins over the lines below; what stands behind it
# goes to Snakemake. docs/slurm.md says more.
#SBATCH --job-name=spcl
#SBATCH --cpus-per-task=16
#SBATCH --mem=64G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@60

export PATH="$PWD/.venv/bin:$PATH" # where make installs Snakemake

# SLURM sends SIGTERM (a minute before the time is up, at pre-emption) to what srun started and not
# to this script: so it reaches the cells, which save their state and end.
exec srun --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  snakemake --cores "$SLURM_CPUS_PER_TASK" \
  ${SLURM_GPUS_ON_NODE:+--resources gpu="$SLURM_GPUS_ON_NODE"} "$@"
