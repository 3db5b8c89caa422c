"""The HTTP interface of a service, as an application of FastAPI."""

import asyncio
import contextlib
import html
import os
import pathlib
import sqlite3
import string
import sys
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from stgkeras.serving.answers import to_json
from stgkeras.serving.guard import Guard
from stgkeras.serving.metrics import metrics
from stgkeras.serving.sensors import sensors_of
from stgkeras.serving.service import Service

PAGE = pathlib.Path(__file__).with_name("page.html")
MOST = 8 * 2**20  # bytes of a body: a day of 2,000 sensors
TYPES = ("dict[", "list[", "nullable[")  # which Pydantic adds to the place of an error
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
POLICY += "img-src data:; connect-src 'self'; "
POLICY += "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def create_app(service: Service, token: str = "", most: int = MOST) -> Guard:
    """Creates the application.

    Args:
        service: `Service`.
        token: str. What requests need in the header `Authorization: Bearer TOKEN`; "": nothing.
        most: int. Largest number of bytes of a body.
    """
    import anyio.to_thread
    from fastapi import FastAPI, HTTPException, Query, Response
    from fastapi.exceptions import RequestValidationError
    from pydantic import BaseModel, ConfigDict, Field

    Number = float | None
    Numbers = Number | list[Number]  # of all features

    class Step(BaseModel):
        """The readings of one step."""

        model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=True)
        time: int | str = Field(
            description="ISO 8601, such as 2024-05-01T08:00+02:00; without an offset, local time of"
            " the forecaster. The number of the step, if the forecaster has no times.",
        )
        values: dict[str, Numbers] | list[Numbers] = Field(
            description="Readings by the name of the sensor, of some or all sensors; or of all "
            "sensors in their order. null or NaN is a missing reading. With several features, a "
            "reading is a list of them.",
        )

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        watching = asyncio.create_task(service.watch())
        yield
        watching.cancel()
        service.close()

    title = pathlib.Path(os.path.abspath(service.folder)).name
    app = FastAPI(title=f"Forecasts of {title}", lifespan=lifespan, docs_url=None, redoc_url=None)
    guard = Guard(app, token, most)
    page = string.Template(PAGE.read_text("utf-8")).substitute(title=html.escape(title))
    Names = Annotated[list[str] | None, Query(description="sensor; may be repeated. Default: all")]

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Any, error: RequestValidationError) -> Response:
        where = [".".join(_plain(one["loc"])) + ": " + one["msg"] for one in error.errors()[:5]]
        if isinstance(error.body, bytes):  # FastAPI did not read it as JSON
            where = ["The header `Content-Type` must be application/json."]
        return Response(to_json({"detail": "; ".join(where)}), 422, media_type="application/json")

    @app.post("/readings", summary="Store the readings of one step or several")
    async def readings(steps: Step | list[Step]) -> dict[str, int]:
        """Answers when the readings are on the disk. `late` counts steps that are too old for the
        next forecast; they are stored too. An invalid step refuses all steps of the request."""
        steps = steps if isinstance(steps, list) else [steps]
        try:
            late = await service.take([(step.time, step.values) for step in steps])
        except (TypeError, ValueError) as error:
            raise HTTPException(422, str(error)) from error
        except sqlite3.Error as error:  # such as a full disk
            text = f"The readings could not be stored: {error}. Send them again."
            print(text, file=sys.stderr)
            raise HTTPException(503, text) from error
        return {"stored": len(steps), "late": late}

    @app.get("/forecast", summary="The forecast after the newest readings")
    async def forecast(sensor: Names = None, format: Literal["json", "csv"] = "json") -> Response:
        answer = await service.newest()
        if answer.forecast is None:
            raise HTTPException(503, answer.error)
        unknown = set(sensor or ()) - set(answer.forecast.names)
        if unknown:
            raise HTTPException(404, f"`sensor` is unknown: {', '.join(sorted(unknown))}")
        if format == "csv":
            text = await anyio.to_thread.run_sync(answer.csv, sensor)
            return Response(text, media_type="text/csv")
        body = answer.json if sensor is None else answer.part(sensor)
        return Response(body, media_type="application/json")

    @app.get("/sensors", summary="The sensors: places, edges, newest readings and their age")
    async def sensors() -> Response:
        return Response(to_json(sensors_of(service)), media_type="application/json")

    @app.get("/health", summary="Whether the service runs, and whether it has a forecast")
    async def health() -> dict[str, str]:
        answer = service.answer  # does not wait
        return {"status": "ok", "forecast": "ok" if answer.forecast else answer.error}

    @app.get("/metrics", summary="Counts and times in the text format of Prometheus")
    async def metrics_() -> Response:
        return Response(metrics(service, guard), media_type="text/plain; version=0.0.4")

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(page, media_type="text/html", headers=headers)

    return guard


def _plain(place: Any) -> list[str]:
    """Returns the place of an error without the names of types that the sender does not know."""
    return [part for part in map(str, place) if not part.startswith(TYPES)]
