# One static binary in an empty image: no shell, no libraries, nothing to patch
# but the binary itself.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t ocapi .
#   docker run -p 8080:8080 -v ocapi:/data ocapi            one node, in a volume
#   docker compose up -d                                    a cluster: docs/cluster.md

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
# The modules change less often than the source: a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ocapi ./cmd/ocapi \
    && mkdir -p /out/data

FROM scratch
# Authorities for a database or a NATS cluster that is reached with TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ocapi /ocapi
# A new volume takes over the owner of this folder. Only a node with embedded
# stores writes to it.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /
ENV OCAPI_LISTEN=0.0.0.0:8080
EXPOSE 8080
# The image has no shell or curl to ask with. The address is the default one.
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["/ocapi", "health"]
ENTRYPOINT ["/ocapi"]
CMD ["serve"]
