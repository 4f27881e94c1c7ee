"""What a layer of a recipe may set: arguments of vLLM, environment, port and names."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from orchestrator.recipes.problems import ELSEWHERE, one_line, option_name, within_toml

Scalar = bool | int | float | str

Value = Scalar | list[Scalar] | dict[str, JsonValue]

Argument = Annotated[Value, AfterValidator(within_toml)]

Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(one_line)]

OptionName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]*$"), AfterValidator(option_name)
]

Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Layer(Table):
    """Arguments and environment that one source contributes."""

    args: dict[OptionName, Argument] = Field(
        default_factory=dict,
        description="Options of `vllm serve`, with _ for -. true is the bare flag, false its --no- "
        "form, a list several words, a table JSON. The installed vLLM says which there are.",
        examples=[{"max_model_len": 8192, "limit_mm_per_prompt": {"image": 4}}],
        json_schema_extra={"propertyNames": {"not": {"enum": list(ELSEWHERE)}}},
    )
    env: dict[Variable, str] = Field(
        default_factory=dict,
        description="Environment of vLLM.",
        examples=[{"VLLM_BATCH_INVARIANT": "1"}],
    )
