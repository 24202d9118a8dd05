# The TensorFlow side: fetch, export, MMdnn's mmtoir and mmvismeta, TensorBoard.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
ARG BASE_IMAGE
# CPU wheels. For a GPU image: tensorflow[and-cuda]
ARG TENSORFLOW_SPEC=tensorflow

# Any uid may run this image on a read-only root: nothing may be written outside of /tmp and the mounts.
ENV HOME=/tmp USER=tf2torch \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/opt/tf2torch/src \
    MODELS_FOLDER=models OUTPUT_FOLDER=output WORK_FOLDER=/work \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY docker/tensorflow.requirements.txt /opt/tf2torch/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/wheels \
    sed "s/^tensorflow==/${TENSORFLOW_SPEC}==/" /opt/tf2torch/requirements.txt > /tmp/requirements.txt \
 && HOME=/root pip install --find-links /wheels -r /tmp/requirements.txt \
 && rm /tmp/requirements.txt

COPY docker/describe_image.py /opt/tf2torch/
COPY src /opt/tf2torch/src
RUN python -m compileall -q /opt/tf2torch/src \
 && python /opt/tf2torch/describe_image.py tensorflow "${BASE_IMAGE}" \
 && install -d -m 1777 /work

WORKDIR /tf2torch
USER 1000:1000
ENTRYPOINT ["python", "-m", "tf2torch.cli"]
CMD ["--help"]
