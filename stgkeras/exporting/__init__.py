"""Files of trained models for other runtimes: ONNX, SavedModel, OpenVINO, LiteRT, PyTorch."""

from stgkeras.exporting.checked import FORMATS, export

__all__ = ["FORMATS", "export"]
