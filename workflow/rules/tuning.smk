# One job trains all trials of a cell: starting a job takes seconds, which may be as long as a trial,
# and a grid has enough cells to occupy a cluster.
rule tune_cell:
    input:
        utterances="results/corpora/{dataset}/utterances.parquet",
        features=cell_features,
        probes=cell_probes,
        conversations=cell_conversations,
        # The chosen trials of the cell that sets the pace: they have the seeds of these trials.
        paced=trial_pace,
    output:
        settings="<tuning>/settings.parquet",
        pace="<tuning>/pace.parquet",
    log:
        "logs/tune_cell/{dataset}/{baseline}/{modalities}/{curriculum}.log",
    benchmark:
        "benchmarks/tune_cell/{dataset}/{baseline}/{modalities}/{curriculum}.jsonl"
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=int(DEVICE == "cuda"),
    params:
        # Trials are not reported: only their scores on dev count.
        settings=lambda wildcards: settings(cell(wildcards))
        | {"seeds": TUNING["seeds"], "robustness": {}, "predict_train": False},
        tuning=lambda wildcards: {
            "space": search_space(config, cell(wildcards)),
            **{key: TUNING[key] for key in ("trials", "sample_seed", "halving")},
        },
        device=lambda wildcards, resources: "cuda" if resources.gpu else "cpu",
        code=lambda wildcards: code("tune_cell", *cell_modules(wildcards)),
        # A changed choice among trials does not train them again.
        training_code=lambda wildcards: code("train_cell", *cell_modules(wildcards)),
        kept="results/trials/{dataset}/{baseline}/{modalities}/{curriculum}",
    message:
        "Tuning {wildcards.baseline} on {wildcards.dataset}, {wildcards.modalities}, {wildcards.curriculum}"
    script:
        "../../scripts/tune_cell.py"


rule gather_tuning:
    input:
        of_cells("settings", stage="tuning"),
    output:
        "results/gathered/{grid}/tuning.parquet",
    log:
        "logs/gather_tuning/{grid}.log",
    benchmark:
        "benchmarks/gather_tuning/{grid}.jsonl"
    conda:
        "../../envs/report.yaml"
    params:
        code=code("gather_tuning"),
    message:
        "Gathering the candidates of all cells"
    script:
        "../../scripts/gather_tuning.py"
