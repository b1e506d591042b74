rule extract_features:
    input:
        corpus=corpus,
        utterances="results/corpora/{dataset}/utterances.parquet",
    output:
        features="results/features/{dataset}/{modality}.parquet",
        problems="results/features/{dataset}/{modality}-problems.parquet",
    log:
        "logs/extract_features/{dataset}/{modality}.log",
    benchmark:
        "benchmarks/extract_features/{dataset}/{modality}.jsonl"
    conda:
        "../../envs/media.yaml"
    params:
        extractor=of_modality("extractor"),
        options=of_modality("options"),
        problem_limit=config["problem_limit"],
        code=lambda wildcards: code(
            "extract_features", f"spcl.extract.{of_modality('extractor')(wildcards)}"
        ),
    message:
        "Extracting features of {wildcards.dataset}, modality {wildcards.modality}"
    script:
        "../../scripts/extract_features.py"


rule features:
    input:
        of_datasets("results/features/{dataset}/{modality}.parquet"),
    message:
        "All features are extracted"
