// A program that knows nothing of faaslab: AWS's SDK for JavaScript runs state machines and works for one.
import {
  CreateActivityCommand, CreateStateMachineCommand, DescribeExecutionCommand, GetActivityTaskCommand, SFNClient,
  SendTaskSuccessCommand, StartExecutionCommand, StartSyncExecutionCommand,
} from "@aws-sdk/client-sfn";

// Without this the SDK asks for the host "sync-127.0.0.1", which no resolver knows.
const states = new SFNClient({ disableHostPrefix: true });
const roleArn = "arn:aws:iam::000000000000:role/r";
const seen = {};
const pass = { StartAt: "P", States: { P: { Type: "Pass", Result: { a: 1 }, End: true } } };
const express = await states.send(new CreateStateMachineCommand({
  name: "express", definition: JSON.stringify(pass), roleArn, type: "EXPRESS",
}));
seen.output = (await states.send(new StartSyncExecutionCommand({ stateMachineArn: express.stateMachineArn }))).output;
const { activityArn } = await states.send(new CreateActivityCommand({ name: "work" }));
const work = { StartAt: "W", States: { W: { Type: "Task", Resource: activityArn, End: true } } };
const machine = await states.send(new CreateStateMachineCommand({
  name: "works", definition: JSON.stringify(work), roleArn,
}));
const waits = states.send(new GetActivityTaskCommand({ activityArn, workerName: "node" }));
const { executionArn } = await states.send(new StartExecutionCommand({
  stateMachineArn: machine.stateMachineArn, input: JSON.stringify({ x: 21 }),
}));
const task = await waits;
await states.send(new SendTaskSuccessCommand({
  taskToken: task.taskToken, output: JSON.stringify(JSON.parse(task.input).x * 2),
}));
let done;
do {
  done = await states.send(new DescribeExecutionCommand({ executionArn }));
} while (done.status === "RUNNING");
seen.status = done.status;
seen.result = done.output;
try {
  await states.send(new DescribeExecutionCommand({ executionArn: executionArn + "x" }));
} catch (error) {
  seen.error = error.name;
}
console.log(JSON.stringify(seen));
