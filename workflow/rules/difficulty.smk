rule score_utterances:
    input:
        utterances="results/corpora/{dataset}/utterances.parquet",
        features="results/features/{dataset}/{modality}.parquet",
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
        scores=expand(
            "results/difficulty/{{dataset}}/{modality}.parquet", modality=config["features"]
        ),
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
        of_datasets("results/difficulty/{dataset}/{modality}.parquet"),
        of_datasets("results/difficulty/{dataset}/conversations.parquet"),
    message:
        "All difficulty is scored"
