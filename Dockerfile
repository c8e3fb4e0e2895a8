# One image for api, worker, beat and Flower. What builds it is not in it; what it runs is what requirements.lock names.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
RUN python -m venv /opt/carillon
COPY requirements.lock ./
RUN /opt/carillon/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY carillon carillon/
COPY provisioning provisioning/
COPY worker worker/
COPY schedules schedules/
COPY timetables timetables/
COPY providers providers/
COPY sandbox sandbox/
RUN /opt/carillon/bin/pip install --no-deps .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin carillon
COPY --from=build /opt/carillon /opt/carillon
ENV PATH=/opt/carillon/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CARILLON_CONFIG=/etc/carillon/carillon.toml
USER 10001
EXPOSE 8000
# The first start brings the schema up to date. /health answers 503 while the database is away.
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=8)"]
CMD ["carillon", "api", "--host", "0.0.0.0"]
