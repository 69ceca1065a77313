# One image for every process; docker-compose.yml shows their commands. Three stages: what is installed, what
# is made of the sources, and what is shipped, which has neither pip nor a compiler.
FROM python:3.11-slim-bookworm AS installed
WORKDIR /build
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt \
    && python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --quiet --constraint constraints.txt --requirement requirements.txt

FROM installed AS made
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . .
# The keys are for this one command, and stay in this stage. Compiled once here: the shipped tree is read-only.
RUN PARCELWIRE_ENV=development PARCELWIRE_DATA=/data SECRET_KEY=unused \
    FIELD_ENCRYPTION_KEYS=$(python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())") \
    python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q --invalidation-mode unchecked-hash .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Parcelwire" \
      org.opencontainers.image.description="Self-hosted parcel tracking: many carriers in, one append-only log, signed webhooks out." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
RUN pip uninstall --quiet --yes --root-user-action ignore wheel setuptools pip \
    && useradd --system --uid 10001 --user-group --home-dir /data --create-home parcelwire \
    && install --directory --owner parcelwire --group parcelwire /data/run
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PARCELWIRE_ENV=production \
    PARCELWIRE_DATA=/data
WORKDIR /app
COPY --from=installed /opt/venv /opt/venv
COPY --from=made /app /app
COPY --from=made /data/static /data/static
USER 10001:10001
EXPOSE 8000
# The host name asked for must be one of ALLOWED_HOSTS. Services that are no web have a check of their own.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import os, urllib.request as r; \
host = os.environ.get('ALLOWED_HOSTS', 'localhost').split(',')[0].strip().lstrip('.'); \
r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': host}), timeout=2)"]
CMD ["python", "manage.py", "web", "--host", "0.0.0.0", "--port", "8000"]
