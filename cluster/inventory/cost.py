"""What the machines cost: [cost] of nodes.toml, and the hour of those in use; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

HOURS_A_YEAR = 365 * 24


class CostTable(BaseModel):
    """[cost]: rented GPUs, or hosts of one's own. Without prices nothing is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = Field(
        default="USD", min_length=1, max_length=8, description="Shown behind every amount."
    )
    gpu_hour_price: float | None = Field(
        default=None, gt=0, description="Rented: price of one GPU for one hour."
    )
    watts_per_host: float | None = Field(
        default=None, gt=0, description="Owned: what one host draws under load, at the wall."
    )
    kwh_price: float | None = Field(
        default=None, ge=0, description="Owned: price of one kWh. Needs `watts_per_host`."
    )
    host_price: float | None = Field(
        default=None,
        gt=0,
        description="Owned: purchase price of one host. Needs `depreciation_years`.",
    )
    depreciation_years: float | None = Field(
        default=None, gt=0, le=50, description="Owned: years over which the price is spread evenly."
    )

    @model_validator(mode="after")
    def rented_or_owned(self) -> "CostTable":
        power, purchase = (
            {"watts_per_host": self.watts_per_host, "kwh_price": self.kwh_price},
            {"host_price": self.host_price, "depreciation_years": self.depreciation_years},
        )
        for pair in (power, purchase):
            missing = [key for key, value in pair.items() if value is None]
            if len(missing) == 1:
                [given] = set(pair) - set(missing)
                raise PydanticCustomError("pair", f"`{given}` needs `{missing[0]}` beside it")
        if self.gpu_hour_price is not None and self.owned:
            message = "either `gpu_hour_price`, or what hosts of your own cost, not both"
            raise PydanticCustomError("both", message)
        return self

    @property
    def owned(self) -> bool:
        return self.watts_per_host is not None or self.host_price is not None


@dataclass(frozen=True)
class HourlyCost:
    """One hour: `running` ends when the machines are given back or idle, `fixed` does not."""

    currency: str
    running: float
    fixed: float
    hour: float = field(init=False)
    day: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hour", self.running + self.fixed)
        object.__setattr__(self, "day", 24 * self.hour)


def hourly_cost(table: CostTable, gpus: Mapping[str, int]) -> HourlyCost | None:
    """The hour of the GPUs in use, counted by host name; None where [cost] does not tell.

    Rented: each GPU. Owned: each host as a whole, however many of its GPUs are used; electricity
    is `running`, depreciation `fixed`.
    """
    if table.gpu_hour_price is not None:
        count = sum(gpus.values())
        return HourlyCost(table.currency, count * table.gpu_hour_price, 0.0) if count else None
    if not table.owned or not gpus:
        return None
    power = (table.watts_per_host or 0.0) / 1000 * (table.kwh_price or 0.0)
    wear = (table.host_price or 0.0) / ((table.depreciation_years or 1.0) * HOURS_A_YEAR)
    return HourlyCost(table.currency, len(gpus) * power, len(gpus) * wear)


def amount(value: float, currency: str) -> str:
    """To the cent from 1 on, else three digits that count."""
    return f"{value:,.2f} {currency}" if value >= 1 or value == 0 else f"{value:.3g} {currency}"


def hour_and_day(cost: HourlyCost) -> str:
    hour, day = (amount(value, cost.currency) for value in (cost.hour, cost.day))
    return f"{hour} an hour, {day} a day"
