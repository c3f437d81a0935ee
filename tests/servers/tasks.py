"""Tasks whose client is made and used in Celery's master, before there are workers."""

import os

from celery import Celery
from scalekit_vmcp import ScalekitClient

folder = os.environ["CELERY_FOLDER"]
app = Celery("tasks", broker="filesystem://", backend="file://" + folder + "/results")
app.conf.broker_transport_options = {
    "data_folder_in": folder + "/queue",
    "data_folder_out": folder + "/queue",
    "control_folder": folder + "/control",
}
app.conf.worker_prefetch_multiplier = 1

client = ScalekitClient.from_env()
config = client.actions.mcp.get_config(name="agent")
master = os.getpid()


@app.task
def use_client():
    """Who worked, and what the engine says of the config."""
    again = client.actions.mcp.get_config(config.id)
    session = client.actions.mcp.open_session(config, identifier="user")
    return {"pid": os.getpid(), "master": master, "same": again == config, "authorized": bool(session.headers())}
