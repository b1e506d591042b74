rule train_cell:
    input:
        utterances="results/corpora/{dataset}/utterances.parquet",
        features=cell_features,
        # The inputs that the curriculum requires; most curricula require none.
        probes=cell_probes,
        conversations=cell_conversations,
        paced=cell_pace,
        teachers=cell_teachers,
        tuned=cell_tuning,
    output:
        metrics="<cell>/metrics.parquet",
        history="<cell>/history.parquet",
        predictions="<cell>/predictions.parquet",
        robustness="<cell>/robustness.parquet",
        curriculum="<cell>/curriculum.parquet",
    log:
        "logs/train_cell/{dataset}/{baseline}/{modalities}/{curriculum}.log",
    benchmark:
        "benchmarks/train_cell/{dataset}/{baseline}/{modalities}/{curriculum}.jsonl"
    conda:
        "../../envs/learning.yaml"
    resources:
        gpu=int(DEVICE == "cuda"),
    params:
        settings=lambda wildcards: settings(cell(wildcards)),
        device=lambda wildcards, resources: "cuda" if resources.gpu else "cpu",
        code=lambda wildcards: code("train_cell", *cell_modules(wildcards)),
        working="results/cells/{dataset}/{baseline}/{modalities}/{curriculum}.checkpoints",
        kept="results/kept/{dataset}/{baseline}/{modalities}/{curriculum}",
    message:
        "Training {wildcards.baseline} on {wildcards.dataset}, {wildcards.modalities}, {wildcards.curriculum}"
    script:
        "../../scripts/train_cell.py"


rule cells:
    input:
        [of_cells(table) for table in CELL_TABLES],
    message:
        "All cells are trained"
