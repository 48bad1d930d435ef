# The container of Moorage: the action, the GitLab component and `docker run` all use it.
#
#   docker build -t moorage .
#   docker run --rm moorage --help
#
# Runs as root by default, since a docker socket belongs to root and GitHub's runner mounts folders that do. Without a socket, run it
# as anybody: `docker run --user 65534:65534 …` (docs/ci.md).

ARG BASE=debian:trixie-slim

# What Moorage is run by and what it calls. The build starts from here too, so that both have the same Python.
FROM ${BASE} AS runtime
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends python3 docker-cli docker-buildx git ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
           /usr/share/man/* /usr/share/locale/* /usr/share/doc/git/contrib \
 && find /usr/share/doc -type f ! -name copyright -delete

FROM runtime AS build
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv
# Two environments: one that builds and stays behind, and the one that is taken along.
RUN python3 -m venv /build/venv && python3 -m venv --without-pip /opt/moorage/venv
ARG PIP="/build/venv/bin/pip --python /opt/moorage/venv/bin/python install -q --no-cache-dir --no-compile --no-deps"
COPY requirements/backend.txt requirements/all.txt /build/requirements/
RUN /build/venv/bin/pip install -q --no-cache-dir --no-deps --require-hashes -r /build/requirements/backend.txt \
 && ${PIP} --require-hashes -r /build/requirements/all.txt
COPY pyproject.toml README.md LICENSE /build/
COPY src /build/src
# Everything is compiled here, since the image may be run read-only or by a user who cannot write to it.
RUN /build/venv/bin/pip wheel -q --no-build-isolation --no-deps --wheel-dir /build/dist /build \
 && ${PIP} /build/dist/*.whl \
 && /opt/moorage/venv/bin/python -m compileall -q -j 0 /opt/moorage/venv/lib

FROM runtime
COPY --from=build /opt/moorage/venv /opt/moorage/venv
COPY entrypoint /opt/moorage/entrypoint
RUN ln -s /opt/moorage/entrypoint/__main__.py /usr/local/bin/moorage
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
LABEL org.opencontainers.image.title="moorage" \
      org.opencontainers.image.description="Publishes container images and cleans registries up by policy" \
      org.opencontainers.image.licenses="Apache-2.0"
# Exec form, and Python rather than a shell: dash drops variables with hyphens, and action inputs are INPUT_IMAGES-REPO.
ENTRYPOINT ["/opt/moorage/venv/bin/python", "/opt/moorage/entrypoint"]
