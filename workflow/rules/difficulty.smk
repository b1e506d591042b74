rule score_utterances:
    input:
        utterances="results/corpora/{dataset}/utterances.parquet",
        features=lambda wildcards: features(wildcards.dataset, wildcards.modality),
    output:
        "results/difficulty/{dataset}/{modality}.parquet",
    log:
        "logs/score_utterances/{dataset}/{modality}.log",
    benchmark:
        "benchmarks/score_utterances/{dataset}/{modality}.jsonl"
    conda:
        "../../envs/learning.yaml"
    params:
        folds=config["difficulty"]["folds"],
        seed=config["difficulty"]["seed"],
        code=code("score_utterances"),
    message:
        "Scoring the utterances of {wildcards.dataset}, modality {wildcards.modality}"
    script:
        "../../scripts/score_utterances.py"


rule score_conversations:
    input:
        utterances="results/corpora/{dataset}/utterances.parquet",
        scores=lambda wildcards: probes(wildcards.dataset, modalities(config, wildcards.dataset)),
    output:
        "results/difficulty/{dataset}/conversations.parquet",
    log:
        "logs/score_conversations/{dataset}.log",
    benchmark:
        "benchmarks/score_conversations/{dataset}.jsonl"
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("score_conversations"),
    message:
        "Scoring the conversations of {wildcards.dataset}"
    script:
        "../../scripts/score_conversations.py"


rule difficulty:
    input:
        all_probes(),
        of_datasets("results/difficulty/{dataset}/conversations.parquet"),
    message:
        "All difficulty scores are computed"
