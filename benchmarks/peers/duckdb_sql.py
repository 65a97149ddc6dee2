"""DuckDB: one SQL query; lambdas over the lists."""

import duckdb
from answer import LABELS, LENGTHS, PADDING, TRAINABLE, path, tell

QUERY = """
WITH flags AS (
    SELECT
        file_row_number AS row,
        len(input_ids) != len(attention_mask) OR len(input_ids) != len(labels) AS lengths,
        len(input_ids) = len(labels)
            AND len(list_filter(labels, lambda x, i: x != -100 AND x != input_ids[i])) > 0 AS label,
        attention_mask[-1] = 0 AS padding,
        list_max(labels[2:]) = -100 AND list_min(labels[2:]) = -100 AS untrained
    FROM read_parquet($path, file_row_number = true)
)
SELECT * FROM flags WHERE lengths OR label OR padding OR untrained
"""

rows = duckdb.execute(QUERY, {"path": path()}).fetchall()
tell(
    {
        rule: [row[0] for row in rows if row[1 + place]]
        for place, rule in enumerate((LENGTHS, LABELS, PADDING, TRAINABLE))
    }
)
