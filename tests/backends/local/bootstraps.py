"""Programs that are custom runtimes, for tests: one in Go, of its standard library alone, one for a shell."""

GO = r"""
package main

import (
    "bytes"
    "encoding/json"
    "io"
    "net/http"
    "os"
)

func main() {
    base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
    count := 0
    for {
        next, err := http.Get(base + "next")
        if err != nil {
            os.Exit(3)
        }
        event, _ := io.ReadAll(next.Body)
        next.Body.Close()
        id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
        count++
        if bytes.Contains(event, []byte("panic")) {
            panic("as asked")
        }
        var asked struct{ Read string }
        json.Unmarshal(event, &asked)
        text, _ := os.ReadFile(asked.Read)
        folder, _ := os.Getwd()
        kind, answer := "response", map[string]any{
            "event": json.RawMessage(event), "count": count, "handler": os.Getenv("_HANDLER"),
            "execution_env": os.Getenv("AWS_EXECUTION_ENV"), "pid": os.Getpid(),
            "read": string(text), "args": os.Args, "folder": folder, "mine": os.Getenv("MINE"), "uid": os.Getuid(),
        }
        if bytes.Contains(event, []byte("fail")) {
            kind, answer = "error", map[string]any{"errorMessage": "as asked", "errorType": "Asked"}
        }
        os.Stdout.WriteString("go says hello\n")
        body, _ := json.Marshal(answer)
        reply, err := http.Post(base+id+"/"+kind, "application/json", bytes.NewReader(body))
        if err != nil {
            os.Exit(4)
        }
        io.Copy(io.Discard, reply.Body)
        reply.Body.Close()
    }
}
"""


SHELL = r"""#!/bin/bash
request() {
  exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
  printf '%s /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: api\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" "${#3}" "$3" >&3
  length=0
  while IFS=$'\r' read -r line _ <&3 && [ -n "$line" ]; do
    case "${line,,}" in
      lambda-runtime-aws-request-id:*) id=${line#*: } ;;
      content-length:*) length=${line#*: } ;;
    esac
  done
  IFS= read -r -N "$length" body <&3
  exec 3>&-
}
source "$LAMBDA_TASK_ROOT/${_HANDLER%.*}.sh"
while true; do
  request GET next ""
  request POST "$id/response" "$("${_HANDLER#*.}" "$body")"
done
"""

EXTENSION = r"""
package main

import (
    "net/http"
    "os"
    "path/filepath"
    "strings"
)

func main() {
    base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/"
    ask, _ := http.NewRequest("POST", base+"register", strings.NewReader(`{"events":["INVOKE","SHUTDOWN"]}`))
    ask.Header.Set("Lambda-Extension-Name", filepath.Base(os.Args[0]))
    reply, err := http.DefaultClient.Do(ask)
    if err != nil || reply.StatusCode != 200 {
        os.Exit(3)
    }
    os.Stdout.WriteString("the extension is registered\n")
    id := reply.Header.Get("Lambda-Extension-Identifier")
    for {
        next, _ := http.NewRequest("GET", base+"event/next", nil)
        next.Header.Set("Lambda-Extension-Identifier", id)
        if _, err := http.DefaultClient.Do(next); err != nil {
            os.Exit(4)
        }
    }
}
"""
