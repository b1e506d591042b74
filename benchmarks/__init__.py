"""Speed and memory of what this project does, measured; see benchmarks/README.md."""
