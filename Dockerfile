# Two stages: the wheel is built and installed in the first; the second gets the result alone.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bot bot
COPY services services
COPY storage storage
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/enroll-token \
 && /opt/enroll-token/bin/pip install --no-cache-dir --constraint constraints.txt /wheels/*.whl

FROM python:3.11-slim
COPY --from=build /opt/enroll-token /opt/enroll-token
# The volume below takes its owner and mode from this folder.
RUN mkdir -m 0700 /data && chown 65532:65532 /data
USER 65532:65532
ENV PATH=/opt/enroll-token/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite+aiosqlite:////data/enroll-token.db \
    HOST=0.0.0.0
VOLUME /data
EXPOSE 3000
# http.client, because urllib would send this to a proxy where one is set in the environment.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 3000), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["enroll-token", "serve"]
