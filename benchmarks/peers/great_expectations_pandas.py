"""Great Expectations over pandas.

It has no expectation for lists: numpy flags the rows by hand, and the flags are what is expected.
"""

import logging

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import pyarrow.parquet as pq
from answer import COLUMNS, path, tell
from arrow_checks import CHECKS

logging.getLogger("great_expectations").setLevel(logging.ERROR)
table = pq.read_table(path(), columns=COLUMNS)
frame = pd.DataFrame({rule: check(table) for rule, check in CHECKS.items()})
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
source = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
batch = source.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
suite = gx.ExpectationSuite(
    "invariants",
    [gxe.ExpectColumnValuesToBeInSet(column=rule, value_set=[False]) for rule in CHECKS],
)
validated = batch.validate(suite, result_format="COMPLETE")
tell(
    {
        result.expectation_config.kwargs["column"]: result.result["unexpected_index_list"] or []
        for result in validated.results
    }
)
