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
        # The tables, metrics first, and with save_models the models.
        **{name: f"<cell>/{file}" for name, file in cell_files(config).items()},
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
        licence=lambda wildcards: (of_dataset("download")(wildcards) or {}).get("licence"),
    message:
        "Training {wildcards.baseline} on {wildcards.dataset}, {wildcards.modalities}, {wildcards.curriculum}"
    script:
        "../../scripts/train_cell.py"


rule write_card:
    input:
        metrics="<cell>/metrics.parquet",
        predictions="<cell>/predictions.parquet",
        robustness="<cell>/robustness.parquet",
        curriculum="<cell>/curriculum.parquet",
        models=[f"<cell>/{name}" for name in MODELS.values()],
    output:
        parquet="<cell>/card.parquet",
        md="<cell>/card.md",
    log:
        "logs/write_card/{dataset}/{baseline}/{modalities}/{curriculum}.log",
    benchmark:
        "benchmarks/write_card/{dataset}/{baseline}/{modalities}/{curriculum}.jsonl"
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("write_card"),
    message:
        "Describing the models of {wildcards.baseline} on {wildcards.dataset}, {wildcards.modalities}, {wildcards.curriculum}"
    script:
        "../../scripts/write_card.py"


rule cells:
    input:
        [
            f"results/cells/{cell.address}/{file}"
            for cell in cells(config)
            for file in cell_files(config).values()
        ],
        of_cells("card") if MODELS else [],
    message:
        "All cells are trained"
