rule simulate_corpus:
    output:
        directory("data/{dataset}"),
    log:
        "logs/simulate_corpus/{dataset}.log",
    benchmark:
        "benchmarks/simulate_corpus/{dataset}.jsonl"
    wildcard_constraints:
        dataset="|".join(SIMULATED) or "(?!)",
    conda:
        "../../envs/media.yaml"
    params:
        layout=of_dataset("layout"),
        simulate=of_dataset("simulate"),
        code=code("simulate_corpus"),
    message:
        "Simulating the corpus {wildcards.dataset}"
    script:
        "../../scripts/simulate_corpus.py"


# A local rule, because cluster nodes often have no network access. Only a changed checksum triggers
# a new download; a changed URL or changed code does not.
rule download_corpus:
    output:
        directory("data/{dataset}"),
    log:
        "logs/download_corpus/{dataset}.log",
    benchmark:
        "benchmarks/download_corpus/{dataset}.jsonl"
    wildcard_constraints:
        dataset="|".join(DOWNLOADED) or "(?!)",
    localrule: True
    conda:
        "../../envs/learning.yaml"
    params:
        sha256=of_download("sha256"),
        url=of_download("url"),
        size=of_download("size"),
        licence=of_download("licence"),
    message:
        "Downloading the corpus {wildcards.dataset}"
    script:
        "../../scripts/download_corpus.py"


rule import_corpus:
    input:
        corpus=corpus,
    output:
        utterances="results/corpora/{dataset}/utterances.parquet",
        problems="results/corpora/{dataset}/problems.parquet",
        report="results/corpora/{dataset}/report.parquet",
    log:
        "logs/import_corpus/{dataset}.log",
    benchmark:
        "benchmarks/import_corpus/{dataset}.jsonl"
    conda:
        "../../envs/learning.yaml"
    params:
        layout=of_dataset("layout"),
        labels=of_dataset("labels"),
        classes=of_dataset("classes"),
        protocol=of_dataset("protocol"),
        protocol_seed=of_dataset("protocol_seed"),
        path=of_dataset("path"),
        reads="documents",
        code=code("import_corpus"),
    message:
        "Importing the corpus {wildcards.dataset}"
    script:
        "../../scripts/import_corpus.py"
