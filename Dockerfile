# syntax=docker/dockerfile:1
# The image of both roles: ROLE=api or ROLE=worker. `npm run container:steps` carries out these steps without a
# container engine and runs the result, so use only relative paths, exec form and what scripts/container/ understands.

# For a release, pin the digest: --build-arg NODE_IMAGE=node:24-slim@sha256:…
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without the optional dependencies: the embedded PostgreSQL is for machines without a server, not for an image. No
# package needs its install script: what they build or link is either optional or development only.
RUN npm ci --omit=optional --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/compile.mjs scripts/rds-certificates.mjs scripts/
COPY src src
RUN node scripts/compile.mjs
RUN node scripts/rds-certificates.mjs certificates/rds.pem

FROM ${NODE_IMAGE} AS production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

# The local Gemini, Bedrock, chat/completions and Salesforce of `npm run fakes`: for compose, never deployed.
FROM build AS fakes
ENV FAKES_HOST=0.0.0.0
COPY test/support/fakes test/support/fakes
USER 1000:1000
CMD ["node", "--import", "tsx", "test/support/fakes/main.ts"]

FROM ${NODE_IMAGE} AS service
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="revenueflow-ai" \
      org.opencontainers.image.description="Marketo webhooks in, scored and de-duplicated Salesforce leads out." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
WORKDIR /app
# A container is reached from outside itself; with ENV=MOCK the service then insists on secrets.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
COPY package.json LICENSE ./
COPY deploy/container/healthcheck.mjs ./
COPY migrations migrations
COPY public public
COPY docs/runbook.md docs/
COPY --from=build /app/certificates certificates
COPY --from=production /app/node_modules node_modules
COPY --from=build /app/dist dist
# By number, so that a platform can see that it is not root. Everything above belongs to root: the service cannot
# change itself.
USER 1000:1000
EXPOSE 3000
# Both roles serve /health/live. Liveness, not readiness: a container must not be restarted because a store is down.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["node", "healthcheck.mjs"]
# Node is PID 1 and handles SIGTERM: work in flight ends or is released within ten seconds.
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "--max-old-space-size=512", "dist/main.js"]
