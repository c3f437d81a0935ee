"""Our types inside models of pydantic; imported only by pydantic's own call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args, get_type_hints

from scalekit_vmcp._model import ALL_TOOLS, AllTools

if TYPE_CHECKING:
    from scalekit_vmcp._model import Model


def schema_of(model: type[Model], handler: Any) -> Any:
    """How pydantic checks, writes and describes a type: as what `to_dict` gives."""
    from datetime import datetime

    from pydantic_core import core_schema

    hints = get_type_hints(model, localns={"datetime": datetime, "Any": Any, "ClassVar": ClassVar})

    def field(hint: Any) -> Any:
        if AllTools not in get_args(hint):
            return handler.generate_schema(hint)
        names = core_schema.list_schema(core_schema.str_schema())
        return core_schema.no_info_after_validator_function(lambda tools: tools or ALL_TOOLS, names)

    fields = {name: core_schema.typed_dict_field(field(hints[name]), required=False) for name in model.__match_args__}
    plain = core_schema.no_info_after_validator_function(
        lambda values: model(**values), core_schema.typed_dict_schema(fields, extra_behavior="forbid")
    )
    return core_schema.json_or_python_schema(
        json_schema=plain,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(model), plain]),
        serialization=core_schema.plain_serializer_function_ser_schema(model.to_dict),
    )
