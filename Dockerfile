# commlog in a container: docker build -t commlog . && docker run -p 7700:7700 -v commlog:/data commlog
# Probe /healthz and /readyz on port 7700 (docs/monitoring.md).
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /commlog
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
# Providers are trusted by the system's certificates.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /data --shell /usr/sbin/nologin commlog \
    && install -d -o commlog -g commlog -m 0700 /data
COPY --from=build /commlog/target/release/commlog /usr/local/bin/commlog
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/commlog/
USER commlog
WORKDIR /data
ENV COMMLOG_DATA_DIR=/data COMMLOG_LISTEN=0.0.0.0:7700 COMMLOG_LOG_FORMAT=json
VOLUME /data
EXPOSE 7700
STOPSIGNAL SIGTERM
ENTRYPOINT ["commlog"]
CMD ["serve"]
