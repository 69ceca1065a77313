# One image for web, workers, beat and migrate; docker-compose.yml shows their commands.
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt \
    && python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --quiet --constraint constraints.txt --requirement requirements.txt

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PARCELWIRE_ENV=production \
    PARCELWIRE_DATA=/data
RUN useradd --system --uid 10001 --home-dir /data --create-home parcelwire
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY . .
USER parcelwire
# The secrets are given for this one command; the image keeps none of them.
RUN PARCELWIRE_ENV=development SECRET_KEY=unused FIELD_ENCRYPTION_KEYS=$(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())') \
    python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
# The host name asked for must be one of ALLOWED_HOSTS.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import os, urllib.request as r; \
host = os.environ.get('ALLOWED_HOSTS', 'localhost').split(',')[0].lstrip('.'); \
r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': host}), timeout=2)"]
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port 8000 --blocking-threads ${WEB_THREADS:-8} --no-ws config.wsgi:application"]
