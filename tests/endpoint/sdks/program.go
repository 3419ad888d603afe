// A program that knows nothing of faaslab: AWS's SDK for Go v2, pointed at an address.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	ctx := context.Background()
	endpoint := aws.EndpointResolverWithOptionsFunc(func(string, string, ...interface{}) (aws.Endpoint, error) {
		return aws.Endpoint{URL: os.Getenv("AWS_ENDPOINT_URL"), HostnameImmutable: true}, nil
	})
	config := aws.Config{
		Region:                      "us-east-1",
		Credentials:                 credentials.NewStaticCredentialsProvider("local", "local", ""),
		EndpointResolverWithOptions: endpoint,
	}
	seen := map[string]interface{}{}

	functions := lambda.NewFromConfig(config)
	must(functions.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("double"),
		Runtime:      lambdatypes.Runtime(os.Getenv("RUNTIME")),
		Handler:      aws.String("index.handler"),
		Role:         aws.String("arn:aws:iam::000000000000:role/r"),
		Code:         &lambdatypes.FunctionCode{ZipFile: must(os.ReadFile(os.Getenv("ZIP")))},
		Timeout:      aws.Int32(10),
	}))
	waiter := lambda.NewFunctionActiveV2Waiter(functions)
	must(0, waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("double")}, time.Minute))
	published := must(functions.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String("double")}))
	seen["version"] = *published.Version
	must(functions.CreateAlias(ctx, &lambda.CreateAliasInput{
		FunctionName: aws.String("double"), Name: aws.String("prod"), FunctionVersion: published.Version,
	}))
	done := must(functions.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String("double"), Qualifier: aws.String("prod"), Payload: []byte(`{"x": 21}`),
	}))
	var result int
	must(0, json.Unmarshal(done.Payload, &result))
	seen["result"] = result
	seen["ran"] = *done.ExecutedVersion
	failed := must(functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("double"), Payload: []byte("{}")}))
	seen["failed"] = *failed.FunctionError
	_, err := functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("nobody")})
	var missing *lambdatypes.ResourceNotFoundException
	seen["error"] = errors.As(err, &missing)

	buckets := s3.NewFromConfig(config, func(options *s3.Options) { options.UsePathStyle = true })
	must(buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("from-go")}))
	must(buckets.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String("from-go"), Key: aws.String("a/b c"), Body: bytes.NewReader(bytes.Repeat([]byte("x"), 100000)),
	}))
	object := must(buckets.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("from-go"), Key: aws.String("a/b c")}))
	seen["object"] = len(must(io.ReadAll(object.Body)))

	queues := sqs.NewFromConfig(config)
	queue := must(queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("from-go")}))
	must(queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("hello")}))
	received := must(queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 5}))
	seen["message"] = *received.Messages[0].Body

	tables := dynamodb.NewFromConfig(config)
	must(tables.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("from-go"), BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: aws.String("id"), KeyType: dynamotypes.KeyTypeHash},
		},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: dynamotypes.ScalarAttributeTypeS},
		},
	}))
	key := map[string]dynamotypes.AttributeValue{"id": &dynamotypes.AttributeValueMemberS{Value: "1"}}
	item := map[string]dynamotypes.AttributeValue{
		"id": key["id"], "n": &dynamotypes.AttributeValueMemberN{Value: "7"},
	}
	must(tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("from-go"), Item: item}))
	got := must(tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("from-go"), Key: key}))
	seen["item"] = got.Item["n"].(*dynamotypes.AttributeValueMemberN).Value
	must(0, json.NewEncoder(os.Stdout).Encode(seen))
}
