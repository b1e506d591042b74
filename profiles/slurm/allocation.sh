#!/bin/bash
# The whole workflow in one SLURM job on one node:
#   sbatch profiles/slurm/allocation.sh --configfile=config/paper.yaml
# Options before the script name are passed to sbatch and override the lines below. Options after it
# are passed to Snakemake. See docs/slurm.md.
#SBATCH --job-name=spcl
#SBATCH --cpus-per-task=16
#SBATCH --mem=64G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@60

export PATH="$PWD/.venv/bin:$PATH" # make installs Snakemake here

# SLURM sends SIGTERM (a minute before the time limit, or at pre-emption) only to processes that
# srun started, not to this script. With srun it reaches the cells, which save a checkpoint.
exec srun --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  snakemake --cores "$SLURM_CPUS_PER_TASK" \
  ${SLURM_GPUS_ON_NODE:+--resources gpu="$SLURM_GPUS_ON_NODE"} "$@"
