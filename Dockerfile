# The container of Moorage: the action, the GitLab component and `docker run` all use it.
#
#   docker build -t moorage .
#   docker run --rm moorage --help
#
# Runs as root by default, since a docker socket belongs to root and GitHub's runner mounts folders that do. Without a socket, run it
# as anybody: `docker run --user 65534:65534 …` (docs/ci.md).

ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/moorage/venv
COPY requirements/all.txt /build/requirements/all.txt
RUN /opt/moorage/venv/bin/pip install -q --no-cache-dir --require-hashes -r /build/requirements/all.txt
COPY pyproject.toml README.md LICENSE /build/
COPY src /build/src
# Built in the image that runs it; the environment then sheds pip, which nothing needs at run time.
RUN /opt/moorage/venv/bin/pip install -q --no-cache-dir --no-deps /build \
 && /opt/moorage/venv/bin/pip uninstall -q -y pip \
 && /opt/moorage/venv/bin/python -m compileall -q /opt/moorage/venv/lib

FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends python3 docker-cli docker-buildx git ca-certificates \
 && rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man /usr/share/locale
COPY --from=build /opt/moorage/venv /opt/moorage/venv
COPY entrypoint /opt/moorage/entrypoint
ENV PATH=/opt/moorage/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title="moorage" \
      org.opencontainers.image.description="Publishes container images and cleans registries up by policy" \
      org.opencontainers.image.licenses="Apache-2.0"
# Exec form, and Python rather than a shell: dash drops variables with hyphens, and action inputs are INPUT_IMAGES-REPO.
ENTRYPOINT ["/opt/moorage/venv/bin/python", "/opt/moorage/entrypoint"]
