# The PyTorch side: code generation, the model file, evaluation; MMdnn's mmtocode and mmtomodel.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
ARG BASE_IMAGE
# Empty: pip's default index, whose torch wheels are for the GPU. compose.yaml asks for the CPU index instead.
ARG TORCH_INDEX_URL=

# Any uid may run this image on a read-only root: nothing may be written outside of /tmp and the mounts.
ENV HOME=/tmp USER=tf2torch \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/opt/tf2torch/src \
    MODELS_FOLDER=models OUTPUT_FOLDER=output WORK_FOLDER=/work \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

COPY docker/pytorch.requirements.txt docker/install-torch.sh /opt/tf2torch/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=wheels,target=/wheels \
    HOME=/root bash /opt/tf2torch/install-torch.sh /opt/tf2torch/pytorch.requirements.txt /wheels "${TORCH_INDEX_URL}" \
 && HOME=/root pip install --find-links /wheels -r /opt/tf2torch/pytorch.requirements.txt

COPY docker/describe_image.py /opt/tf2torch/
COPY src /opt/tf2torch/src
RUN python -m compileall -q /opt/tf2torch/src \
 && python /opt/tf2torch/describe_image.py pytorch "${BASE_IMAGE}" \
 && install -d -m 1777 /work

WORKDIR /tf2torch
USER 1000:1000
ENTRYPOINT ["python", "-m", "tf2torch.cli"]
CMD ["--help"]
