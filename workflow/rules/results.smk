# The inputs of each table and figure, named as in spcl.report.analysis.results.Results.
TABLES = {
    "findings": [
        "metrics",
        "predictions",
        "robustness",
        "curriculum",
        "utterances",
        "utterance_difficulty",
        "tuning",
    ],
    "main": ["metrics", "predictions"],
    "power": ["metrics", "predictions"],
    "modality_gain": ["metrics", "predictions"],
    "ablation": ["metrics", "predictions", "robustness"],
    "per_class": ["metrics", "predictions"],
    "balance": ["metrics", "predictions", "robustness", "utterances", "utterance_difficulty"],
    "robustness": ["metrics", "predictions", "robustness"],
    "calibration": ["metrics", "predictions"],
    "curriculum": ["metrics", "history"],
    "difficulty": [
        "metrics",
        "curriculum",
        "utterances",
        "utterance_difficulty",
        "conversation_difficulty",
    ],
    "features": ["features", "utterances"],
    "cost": ["metrics", "benchmarks"],
    "provenance": ["metrics", "features", "utterances", "tuning"],
}
FIGURES = {
    "main": ["metrics", "predictions"],
    "modality_gain": ["metrics", "predictions"],
    "ablation": ["metrics", "predictions", "robustness"],
    "per_class": ["metrics", "predictions"],
    "balance": ["metrics", "predictions", "robustness", "utterances", "utterance_difficulty"],
    "robustness": ["metrics", "predictions", "robustness"],
    "calibration": ["metrics", "predictions"],
    "curriculum": ["history", "curriculum", "utterances", "utterance_difficulty"],
    "difficulty": ["utterances", "utterance_difficulty"],
    "features": ["features", "utterances"],
    "cost": ["metrics", "benchmarks"],
}
SHOWS = {
    "findings": "the main findings, in sentences",
    "main": "scores of every cell, gain over none",
    "power": "seeds that a gain needs",
    "modality_gain": "gain from the third and the second modality",
    "ablation": "all strategies: score, balance, robustness",
    "per_class": "scores of each emotion",
    "balance": "each modality in the joint model and alone, and its contribution",
    "robustness": "scores with missing modalities and noise",
    "calibration": "confidence and accuracy of the answers",
    "curriculum": "admitted utterances by epoch",
    "difficulty": "offline difficulty of the corpora",
    "features": "grouping of the features by emotion and speaker",
    "cost": "time and memory",
    "provenance": "code, corpora and settings",
    "tuning": "what was chosen on dev, and how the score depends on it",
    "folds": "the main table for each fold",
}
KINDS = {
    "metrics": of_datasets("results/gathered/{grid}/{dataset}/metrics.parquet"),
    "history": of_datasets("results/gathered/{grid}/{dataset}/history.parquet"),
    "predictions": of_datasets("results/gathered/{grid}/{dataset}/predictions.parquet"),
    "robustness": of_datasets("results/gathered/{grid}/{dataset}/robustness.parquet"),
    "curriculum": of_datasets("results/gathered/{grid}/{dataset}/curriculum.parquet"),
    "utterances": of_datasets("results/corpora/{dataset}/utterances.parquet"),
    "features": all_features(),
    "utterance_difficulty": all_probes(),
    "conversation_difficulty": of_datasets("results/difficulty/{dataset}/conversations.parquet"),
    "benchmarks": [f"results/gathered/{GRID}/benchmarks.parquet"],
    "tuning": [f"results/gathered/{GRID}/tuning.parquet"] if TUNING else [],
}
# Scores are computed per corpus: the test predictions of all folds form one test split.
OF_CORPORA = KINDS | {
    "metrics": of_corpora("metrics"),
    "predictions": of_corpora("predictions"),
    "robustness": of_corpora("robustness"),
    "utterances": KINDS["utterances"]
    + of_datasets("results/corpora/{dataset}/utterances.parquet", FOLDED),
    "utterance_difficulty": KINDS["utterance_difficulty"] + pooled_probes(),
}
FOLDS = [fold for name in FOLDED for fold in folds(name)]
OF_FOLDS = {
    "metrics": of_datasets("results/gathered/{grid}/{dataset}/metrics.parquet", FOLDS),
    "predictions": of_datasets("results/gathered/{grid}/{dataset}/predictions.parquet", FOLDS),
}
# Folds share the features of their corpus.
OF_OWNERS = {
    "features": KINDS["features"],
    "utterances": of_datasets("results/corpora/{dataset}/utterances.parquet", OWNERS),
}
MADE_OF = dict.fromkeys(
    [
        *["findings", "main", "power", "modality_gain", "ablation", "per_class", "balance"],
        *["robustness", "calibration"],
    ],
    OF_CORPORA,
) | {"folds": OF_FOLDS, "features": OF_OWNERS}
if FOLDED:
    TABLES["folds"] = ["metrics", "predictions"]
if TUNING:
    TABLES["tuning"] = ["metrics", "tuning"]
    FIGURES["tuning"] = ["tuning"]


# Gathering reduces the files that tables and figures read, and the edges of the job graph.
rule gather_cells:
    input:
        metrics=lambda wildcards: of_cells("metrics", wildcards.dataset),
        history=lambda wildcards: of_cells("history", wildcards.dataset),
        predictions=lambda wildcards: of_cells("predictions", wildcards.dataset),
        robustness=lambda wildcards: of_cells("robustness", wildcards.dataset),
        curriculum=lambda wildcards: of_cells("curriculum", wildcards.dataset),
    output:
        metrics="results/gathered/{grid}/{dataset}/metrics.parquet",
        history="results/gathered/{grid}/{dataset}/history.parquet",
        predictions="results/gathered/{grid}/{dataset}/predictions.parquet",
        robustness="results/gathered/{grid}/{dataset}/robustness.parquet",
        curriculum="results/gathered/{grid}/{dataset}/curriculum.parquet",
    log:
        "logs/gather_cells/{grid}/{dataset}.log",
    benchmark:
        "benchmarks/gather_cells/{grid}/{dataset}.jsonl"
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("gather_cells"),
    message:
        "Gathering the cells of {wildcards.dataset}"
    script:
        "../../scripts/gather_cells.py"


rule pool_folds:
    input:
        metrics=lambda wildcards: of_datasets(
            "results/gathered/{grid}/{dataset}/metrics.parquet", folds(wildcards.dataset)
        ),
        predictions=lambda wildcards: of_datasets(
            "results/gathered/{grid}/{dataset}/predictions.parquet", folds(wildcards.dataset)
        ),
        robustness=lambda wildcards: of_datasets(
            "results/gathered/{grid}/{dataset}/robustness.parquet", folds(wildcards.dataset)
        ),
    output:
        metrics="results/gathered/{grid}/pooled/{dataset}/metrics.parquet",
        predictions="results/gathered/{grid}/pooled/{dataset}/predictions.parquet",
        robustness="results/gathered/{grid}/pooled/{dataset}/robustness.parquet",
    log:
        "logs/pool_folds/{grid}/{dataset}.log",
    benchmark:
        "benchmarks/pool_folds/{grid}/{dataset}.jsonl"
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("pool_folds"),
    message:
        "Pooling and scoring the folds of {wildcards.dataset}"
    script:
        "../../scripts/pool_folds.py"


rule pool_probes:
    input:
        lambda wildcards: [
            path for fold in folds(wildcards.dataset) for path in probes(fold, wildcards.modality)
        ],
    output:
        "results/gathered/{grid}/pooled/{dataset}/probe-{modality}.parquet",
    log:
        "logs/pool_probes/{grid}/{dataset}-{modality}.log",
    benchmark:
        "benchmarks/pool_probes/{grid}/{dataset}-{modality}.jsonl"
    conda:
        "../../envs/learning.yaml"
    params:
        code=code("pool_probes"),
    message:
        "Pooling the probes of the folds of {wildcards.dataset}, modality {wildcards.modality}"
    script:
        "../../scripts/pool_probes.py"


# Benchmark files are no outputs, so a rule cannot use them as input. The outputs of their jobs are
# used instead.
rule gather_benchmarks:
    input:
        KINDS["conversation_difficulty"],
        KINDS["metrics"],
    output:
        "results/gathered/{grid}/benchmarks.parquet",
    log:
        "logs/gather_benchmarks/{grid}.log",
    benchmark:
        "benchmarks/gather_benchmarks/{grid}.jsonl"
    conda:
        "../../envs/report.yaml"
    params:
        jobs=benchmarked_jobs(),
        code=code("gather_benchmarks"),
    message:
        "Gathering the benchmarks of the jobs"
    script:
        "../../scripts/gather_benchmarks.py"


rule tabulate:
    input:
        unpack(
            lambda wildcards: {
                kind: MADE_OF.get(wildcards.table, KINDS)[kind] for kind in TABLES[wildcards.table]
            }
        ),
    output:
        parquet="results/tables/{grid}/{table}.parquet",
        md="results/tables/{grid}/{table}.md",
        tex="results/tables/{grid}/{table}.tex",
        html=report(
            "results/tables/{grid}/{table}.html",
            caption="../report/tables.rst",
            category=lambda wildcards: (
                "1 Findings" if wildcards.table == "findings" else "2 Tables"
            ),
            labels=lambda wildcards: {
                "table": wildcards.table,
                "shows": SHOWS[wildcards.table],
            },
        ),
    log:
        "logs/tabulate/{grid}/{table}.log",
    benchmark:
        "benchmarks/tabulate/{grid}/{table}.jsonl"
    wildcard_constraints:
        table="|".join(TABLES),
    conda:
        "../../envs/report.yaml"
    params:
        code=lambda wildcards: code("tabulate", f"spcl.report.tables.{wildcards.table}"),
    message:
        "Tabulating {wildcards.table}"
    script:
        "../../scripts/tabulate.py"


rule plot:
    input:
        unpack(
            lambda wildcards: {
                kind: MADE_OF.get(wildcards.figure, KINDS)[kind]
                for kind in FIGURES[wildcards.figure]
            }
        ),
    output:
        parquet="results/figures/{grid}/{figure}.parquet",
        svg=report(
            "results/figures/{grid}/{figure}.svg",
            caption="../report/figures.rst",
            category="3 Figures",
            labels=lambda wildcards: {
                "figure": wildcards.figure,
                "shows": SHOWS[wildcards.figure],
            },
        ),
        png="results/figures/{grid}/{figure}.png",
    log:
        "logs/plot/{grid}/{figure}.log",
    benchmark:
        "benchmarks/plot/{grid}/{figure}.jsonl"
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../../envs/report.yaml"
    params:
        code=lambda wildcards: code("plot", f"spcl.report.figures.{wildcards.figure}"),
    message:
        "Plotting {wildcards.figure}"
    script:
        "../../scripts/plot.py"


rule tables:
    input:
        expand(
            "results/tables/{grid}/{table}.{ext}",
            grid=GRID,
            table=TABLES,
            ext=["parquet", "md", "tex", "html"],
        ),
    message:
        "All tables are made"


rule figures:
    input:
        expand(
            "results/figures/{grid}/{figure}.{ext}",
            grid=GRID,
            figure=FIGURES,
            ext=["parquet", "svg", "png"],
        ),
    message:
        "All figures are made"
