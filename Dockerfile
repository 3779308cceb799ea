# docker build -t ghcr.io/pilotlight/pilotlight:0.1.0 .
ARG NODE_IMAGE=docker.io/library/node:26-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The package `node` would fetch a second Node; this image is one.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/copy-page.js scripts/
COPY router router
COPY activator activator
COPY autoscaler autoscaler
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="pilotlight" \
      org.opencontainers.image.description="A scale-to-zero gateway for model inference" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing is written but below /tmp, so the root may be read-only: the chart makes it so.
ENV NODE_ENV=production HOME=/tmp
WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY bin bin
COPY package.json LICENSE ./
USER 65532:65532
EXPOSE 8080 8443 9090
ENTRYPOINT ["node", "/app/bin/pilotlight.js"]
CMD ["--help"]
