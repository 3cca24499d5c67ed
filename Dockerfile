# docker build -t simul . && docker run --rm -p 7000:7000 -p 8080:8080 simul
# Your own configuration: -v ./simul.yaml:/etc/simul/simul.yaml:ro

FROM docker.io/library/debian:bookworm-slim AS build
WORKDIR /src
# First the packages alone: this layer stays cached until the list changes.
COPY scripts/install-deps scripts/
RUN scripts/install-deps
COPY . .
RUN scripts/build release simul_cli \
 && cmake --install build/release --component runtime --prefix /out/usr/local

FROM docker.io/library/debian:bookworm-slim
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends \
      ca-certificates libuv1 libyaml-cpp0.7 libspdlog1.10 libfmt9 libssl3 libncursesw6 libstdc++6 zlib1g >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /
COPY deploy/docker/simul.yaml /etc/simul/simul.yaml
COPY deploy/docker/public/ /srv/simul/public/
# Start-up fails here, in the build, if a library is missing or the configuration is wrong.
RUN ["/usr/local/bin/simul", "check", "/etc/simul/simul.yaml"]

# Numeric, so that Kubernetes' runAsNonRoot can see that it isn't root.
USER 65532:65532
WORKDIR /srv/simul
EXPOSE 7000 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/simul"]
CMD ["serve", "/etc/simul/simul.yaml"]
