"""The detector.

Some of the libraries that it stands on report to their makers. That is stopped here, before any of them is imported:
nothing leaves an installation unasked.
"""

import os
import sys

# OpenVINO sends an event to Google Analytics, from a process of its own, whenever it is imported and this package is
# there; without it, it takes its own stub.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

# Ultralytics reports models and devices, looks for newer versions and installs packages that a model asks for, unless
# it is told that it is offline. Weights that are named are still fetched.
os.environ.setdefault("YOLO_OFFLINE", "true")
