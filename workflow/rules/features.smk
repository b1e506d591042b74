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
    # Several GPUs: --set-resources extract_features:gpu=4. Each works on shards of its own.
    resources:
        gpu=lambda wildcards: int(
            DEVICE == "cuda" and of_extraction("extractor")(wildcards).startswith("huggingface_")
        ),
    params:
        device=lambda wildcards, resources: "cuda" if resources.gpu else "cpu",
        gpus=lambda wildcards, resources: resources.gpu,
        extractor=of_extraction("extractor"),
        options=of_extraction("options"),
        problem_limit=config["problem_limit"],
        length_limit=config["length_limit"],
        path=of_dataset("path"),
        reads=reads_of_corpus,
        code=lambda wildcards: code(
            "extract_features", f"spcl.extract.{of_extraction('extractor')(wildcards)}"
        ),
    message:
        "Extracting features of {wildcards.dataset}, modality {wildcards.modality}"
    script:
        "../../scripts/extract_features.py"


rule features:
    input:
        all_features(),
    message:
        "All features are extracted"
