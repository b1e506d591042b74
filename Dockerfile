# The workflow with the packages of requirements.lock:
#
#   docker build --tag spcl .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD":/spcl spcl --cores 2
#
# CI compares this recipe with the lock and with pyproject.toml, and does not build it.
FROM python:3.13-slim

# git: the commit that results name. The wheels of opencv, av and openSMILE bring their libraries.
RUN apt-get update \
    && apt-get install --no-install-recommends --yes git \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /spcl
COPY requirements.lock ./
RUN pip install --no-cache-dir -r requirements.lock

COPY CITATION.cff LICENSE README.md Snakefile pyproject.toml ./
COPY config/ config/
COPY envs/ envs/
COPY profiles/ profiles/
COPY scripts/ scripts/
COPY spcl/ spcl/
COPY workflow/ workflow/
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .

# A user without a home folder needs a place for caches.
ENV HOME=/tmp
ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
