"""Puts the official package beside ours and says how they differ, each difference on a line of its own."""

import inspect

import pydantic
from scalekit import ScalekitClient as OfficialClient
from scalekit.actions import types as official_types
from scalekit.common import exceptions as official_exceptions
from scalekit_vmcp import LocalEngine, ScalekitClient
from scalekit_vmcp.actions import types
from scalekit_vmcp.common import exceptions


def signature_of(function: object) -> str:
    """Names, kinds and defaults, without what swallows unknown keywords."""
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD and parameter.name != "self"
    ]
    return str(inspect.Signature(parameters))


def methods(place: type) -> dict[str, str]:
    """The public methods of a class, with their signatures."""
    names = (name for name in dir(place) if not name.startswith("_"))
    return {name: signature_of(getattr(place, name)) for name in names if inspect.isroutine(getattr(place, name))}


def compare_methods(where: str, theirs: type, ours: type) -> None:
    here = methods(ours)
    for name, signature in methods(theirs).items():
        if name not in here:
            print(f"{where}.{name}: not here")
        elif here[name] != signature:
            print(f"{where}.{name}: {here[name]} instead of {signature}")


def compare_types() -> None:
    for name, theirs in vars(official_types).items():
        if not (inspect.isclass(theirs) and issubclass(theirs, pydantic.BaseModel) and theirs is not pydantic.BaseModel):
            continue
        ours = getattr(types, name, None)
        if ours is None:
            print(f"types.{name}: not here")
        else:
            here, there = set(ours.__match_args__), set(theirs.model_fields)
            for field in sorted(here ^ there):
                print(f"types.{name}.{field}: {'only here' if field in here else 'not here'}")


def compare_exceptions() -> None:
    for name, theirs in vars(official_exceptions).items():
        if not (inspect.isclass(theirs) and issubclass(theirs, official_exceptions.ScalekitException)):
            continue
        ours = getattr(exceptions, name, None)
        if ours is None:
            print(f"exceptions.{name}: not here")
            continue
        here = {base.__name__ for base in ours.__mro__}
        for base in theirs.__mro__:
            if base.__name__ not in here:
                print(f"exceptions.{name}: no {base.__name__}")
        for attribute in dir(theirs):
            known = attribute.startswith("_") or inspect.isroutine(getattr(theirs, attribute))
            if not known and not hasattr(ours("text"), attribute):
                print(f"exceptions.{name}.{attribute}: not here")


if __name__ == "__main__":
    with LocalEngine() as engine, engine.client() as ours:
        # It asks for an access token at once, which is the last thing of it that is not gRPC.
        theirs = OfficialClient(engine.env_url, engine.client_id, engine.client_secret)
        compare_methods("client", type(theirs), ScalekitClient)
        compare_methods("actions", type(theirs.actions), type(ours.actions))
        compare_methods("actions.mcp", type(theirs.actions.mcp), type(ours.actions.mcp))
    given = list(inspect.signature(OfficialClient).parameters)
    if list(inspect.signature(ScalekitClient).parameters)[: len(given)] != given:
        print(f"ScalekitClient: takes {given}")
    compare_types()
    compare_exceptions()
