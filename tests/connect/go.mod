module ringprof/connect

go 1.23

require (
	connectrpc.com/connect v1.17.0
	google.golang.org/protobuf v1.36.12
)
