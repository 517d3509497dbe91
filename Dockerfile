# The netmode image: two static binaries and nothing else, no shell included.
# `make image` builds the binaries into bin/image/ first; the build fetches nothing.
FROM scratch

ARG VERSION=devel
LABEL org.opencontainers.image.title="netmode" \
      org.opencontainers.image.description="Choose an application's network mode on Kubernetes with one annotation" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/netmode-io/netmode" \
      org.opencontainers.image.version="${VERSION}"

COPY bin/image/netmode bin/image/netmode-webhook /

# Init containers run `/netmode resolvconf` and `/netmode wait` from this image too; the
# pod sets its user (0) for the first.
USER 65532:65532
ENTRYPOINT ["/netmode-webhook"]
