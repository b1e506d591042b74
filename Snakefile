"""SPCL: corpus -> utterances and features -> difficulty -> cells -> tables and figures.

snakemake --cores 2                                          the demo (config/config.yaml)
snakemake --cores 8 --configfile=config/paper.yaml           the paper's grid
snakemake --cores 2 results/cells/meld-sim/mmgcn/atv/spcl/metrics.parquet        one cell
snakemake --cores 2 features | difficulty | cells | tables | figures             one stage
"""

from snakemake.utils import min_version

min_version("9.19")


# Snakemake would merge this file with a config from the command line.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


pathvars:
    cell="results/cells/{dataset}/{baseline}/{modalities}/{curriculum}",
    tuning="results/tuning/{dataset}/{baseline}/{modalities}/{curriculum}",


# The GPU limit of the profile applies to this machine, not to a cluster.
resource_scopes:
    gpu="local",


include: "workflow/rules/common.smk"
include: "workflow/rules/corpora.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/difficulty.smk"


if TUNING:

    include: "workflow/rules/tuning.smk"


include: "workflow/rules/cells.smk"
include: "workflow/rules/results.smk"


rule all:
    default_target: True
    input:
        rules.cells.input,  # to detect deleted tables of cells
        rules.tables.input,
        rules.figures.input,
    message:
        "All tables and figures are made"


onsuccess:
    say_where_results_are()
