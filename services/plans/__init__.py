"""Cleaning plans as they go on: their cleans become jobs; people pause, skip and end them (R45, R63 to R65, A50)."""

from services.plans.changes import (
    EndPlan,
    PausePlan,
    RenewPlan,
    ResumePlan,
    SkipClean,
    UnskipClean,
    end_plan,
    pause_plan,
    renew_plan,
    resume_plan,
    skip_clean,
    unskip_clean,
)
from services.plans.generation import TendPlans, tend_plans
from services.plans.making import CreatePlan, create_plan

__all__ = [
    "CreatePlan",
    "EndPlan",
    "PausePlan",
    "RenewPlan",
    "ResumePlan",
    "SkipClean",
    "TendPlans",
    "UnskipClean",
    "create_plan",
    "end_plan",
    "pause_plan",
    "renew_plan",
    "resume_plan",
    "skip_clean",
    "tend_plans",
    "unskip_clean",
]
