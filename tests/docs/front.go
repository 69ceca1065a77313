// Serves on a free port of this machine, and answers 204 to what webhooks.Verified takes, else 400.
// Its argument is the key. Ends when its standard input does.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"webhooks"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err == nil && webhooks.Verified(body, request.Header, os.Args[1]) {
			answer.WriteHeader(204)
		} else {
			answer.WriteHeader(400)
		}
	}))
	io.Copy(io.Discard, os.Stdin)
}
