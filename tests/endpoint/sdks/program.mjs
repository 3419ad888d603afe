// A program that knows nothing of faaslab: AWS's SDK for JavaScript, and where to reach it from the environment.
import { readFileSync } from "node:fs";
import {
  CreateAliasCommand, CreateFunctionCommand, InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient,
  ListFunctionsCommand, PublishVersionCommand, waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";

const lambda = new LambdaClient({});
const seen = {};
await lambda.send(new CreateFunctionCommand({
  FunctionName: "double", Runtime: process.env.RUNTIME, Handler: "index.handler", Role: "arn:aws:iam::000000000000:role/r",
  Code: { ZipFile: readFileSync(process.env.ZIP) }, Timeout: 10,
}));
await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 60 }, { FunctionName: "double" });
seen.version = (await lambda.send(new PublishVersionCommand({ FunctionName: "double" }))).Version;
await lambda.send(new CreateAliasCommand({ FunctionName: "double", Name: "prod", FunctionVersion: seen.version }));
const done = await lambda.send(new InvokeCommand({
  FunctionName: "double", Qualifier: "prod", Payload: JSON.stringify({ x: 21 }), LogType: "Tail",
}));
seen.result = JSON.parse(Buffer.from(done.Payload).toString());
seen.ran = done.ExecutedVersion;
seen.log = Buffer.from(done.LogResult, "base64").toString().includes("REPORT RequestId: " + done.$metadata.requestId);
seen.failed = (await lambda.send(new InvokeCommand({ FunctionName: "double", Payload: "{}" }))).FunctionError;
const stream = await lambda.send(new InvokeWithResponseStreamCommand({
  FunctionName: "double", Payload: JSON.stringify({ x: 1 }),
}));
seen.streamed = "";
for await (const event of stream.EventStream) {
  if (event.PayloadChunk) seen.streamed += Buffer.from(event.PayloadChunk.Payload).toString();
  if (event.InvokeComplete) seen.complete = !event.InvokeComplete.ErrorCode;
}
seen.functions = (await lambda.send(new ListFunctionsCommand({}))).Functions.map((each) => each.FunctionName);
try {
  await lambda.send(new InvokeCommand({ FunctionName: "nobody" }));
} catch (error) {
  seen.error = [error.name, error.$metadata.httpStatusCode];
}

const s3 = new S3Client({ forcePathStyle: true });
await s3.send(new CreateBucketCommand({ Bucket: "from-node" }));
await s3.send(new PutObjectCommand({ Bucket: "from-node", Key: "a/b c", Body: "x".repeat(100000) }));
const object = await s3.send(new GetObjectCommand({ Bucket: "from-node", Key: "a/b c" }));
seen.object = (await object.Body.transformToString()).length;

const sqs = new SQSClient({});
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "from-node" }));
await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello" }));
seen.message = (await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }))).Messages[0].Body;

const dynamodb = new DynamoDBClient({});
await dynamodb.send(new CreateTableCommand({
  TableName: "from-node", BillingMode: "PAY_PER_REQUEST",
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }], AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
}));
await dynamodb.send(new PutItemCommand({ TableName: "from-node", Item: { id: { S: "1" }, n: { N: "7" } } }));
seen.item = (await dynamodb.send(new GetItemCommand({ TableName: "from-node", Key: { id: { S: "1" } } }))).Item.n.N;
console.log(JSON.stringify(seen));
