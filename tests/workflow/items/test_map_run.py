"""A distributed Map from its reader to its writer."""

import json

from tests.workflow.outside import Outside

MACHINE = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "Label": "Rows",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                "Parameters": {"Bucket": "in", "Key.$": "$.key"},
            },
            "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"run.$": "$.run"}},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Same",
                "States": {"Same": {"Type": "Pass", "End": True}},
            },
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Parameters": {"Bucket": "out", "Prefix": "results"},
                "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
            },
            "End": True,
        }
    },
}


def test_rows_become_batches_become_files():
    rows = [{"bucket": "in", "key": "rows.csv", "body": "n\n1\n2\n3\n"}]
    outside = Outside(MACHINE, {"key": "rows.csv", "run": 7}, objects=rows)
    ended = outside.to_the_end()
    assert ended.status == "SUCCEEDED"
    details = ended.output["ResultWriterDetails"]
    manifest = json.loads(outside.objects["out", details["Key"]])
    assert details["Key"].startswith("results/")
    assert manifest["MapRunArn"] == ended.output["MapRunArn"]
    (written,) = manifest["ResultFiles"]["SUCCEEDED"]
    assert json.loads(outside.objects["out", written["Key"]]) == [
        {"BatchInput": {"run": 7}, "Items": [{"n": "1"}, {"n": "2"}]},
        {"BatchInput": {"run": 7}, "Items": [{"n": "3"}]},
    ]
