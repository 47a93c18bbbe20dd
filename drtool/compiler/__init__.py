"""From a plan to a Prefect flow; the only place that imports Prefect."""
