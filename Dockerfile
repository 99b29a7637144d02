# The server with nothing but what it runs on: PostgreSQL (and Redis, when there are several nodes) are
# named in the environment. See docker-compose.yml.
FROM node:24-slim AS base
ENV npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false
WORKDIR /app

FROM base AS build
COPY package.json package-lock.json .npmrc ./
COPY scripts/build-gardens.mjs scripts/
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY migrations migrations
RUN npm run build

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
COPY scripts/build-gardens.mjs scripts/
RUN npm ci --omit=dev

FROM node:24-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY bin bin
COPY profiles profiles
COPY views views
COPY public public
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
# All files above are root's: the server can read them, and change none.
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((it) => process.exit(it.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/latchkey.js", "serve"]
