# The service of a forecaster in ONNX, without TensorFlow, JAX and PyTorch. docs/serving.md has the
# steps before: the folder `city` that `stgkeras fit` wrote, with `model.onnx`, beside this file.
FROM python:3.11-slim
WORKDIR /srv
COPY . /src
RUN pip install --no-cache-dir "numpy>=1.26" "scipy>=1.12" "pandas>=2.1" onnxruntime fastapi uvicorn
RUN pip install --no-cache-dir --no-deps /src
COPY city /srv/city
# The volume keeps the readings beside the link, and a new image has the new forecaster.
RUN mkdir /srv/data && ln -s /srv/city /srv/data/city
VOLUME /srv/data
EXPOSE 8000
CMD ["stgkeras", "serve", "data/city", "--runtime", "onnx", "--host", "0.0.0.0", "--port", "8000"]
