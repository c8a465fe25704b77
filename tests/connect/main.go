// SPDX-License-Identifier: GPL-2.0

// Grafana's calls of querier.v1.QuerierService by connect-go, the library that
// Grafana's data source makes them with: its headers, compression and errors.
// The messages are built of daemon/export/profile.proto's descriptors.
//
// Usage: connect DESCRIPTORS URL USER TOKEN SERVICE
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const cpu = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"

var (
	messages protoreflect.MessageDescriptors
	url      string
	auth     string
	options  []connect.ClientOption
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func check(good bool, what string, args ...any) {
	if !good {
		must(fmt.Errorf(what, args...))
	}
}

func load(path string) {
	data, err := os.ReadFile(path)
	must(err)
	var set descriptorpb.FileDescriptorSet
	must(proto.Unmarshal(data, &set))
	files, err := protodesc.NewFiles(&set)
	must(err)
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		messages = f.Messages()
		return false
	})
}

func message(name string, fields map[string]any) *dynamicpb.Message {
	m := dynamicpb.NewMessage(messages.ByName(protoreflect.Name(name)))
	for key, value := range fields {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(key))
		if list, ok := value.([]string); ok {
			for _, s := range list {
				m.Mutable(f).List().Append(protoreflect.ValueOf(s))
			}
			continue
		}
		m.Set(f, protoreflect.ValueOf(value))
	}
	return m
}

// One unary call; the answer is a message of that name.
func call(method, answer string, in *dynamicpb.Message) (*dynamicpb.Message, error) {
	all := append([]connect.ClientOption{
		connect.WithResponseInitializer(func(_ connect.Spec, m any) error {
			if d, ok := m.(*dynamicpb.Message); ok {
				*d = *dynamicpb.NewMessage(messages.ByName(protoreflect.Name(answer)))
			}
			return nil
		})}, options...)
	c := connect.NewClient[dynamicpb.Message, dynamicpb.Message](http.DefaultClient, url+"/querier.v1.QuerierService/"+method, all...)
	req := connect.NewRequest(in)
	req.Header().Set("Authorization", auth)
	r, err := c.CallUnary(context.Background(), req)
	if err != nil {
		return nil, err
	}
	return r.Msg, nil
}

func get(m protoreflect.Message, key string) protoreflect.Value {
	return m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(key)))
}

func texts(m protoreflect.Message, key string) []string {
	var out []string
	list := get(m, key).List()
	for i := 0; i < list.Len(); i++ {
		out = append(out, list.Get(i).String())
	}
	return out
}

func calls(service string) {
	now := time.Now().UnixMilli()
	selector := fmt.Sprintf("{service_name=%q}", service)
	m, err := call("ProfileTypes", "QuerierTypesResponse", message("QuerierTypesRequest", map[string]any{"start": now - 60000, "end": now}))
	must(err)
	types := get(m, "profile_types").List()
	check(types.Len() >= 1 && get(types.Get(0).Message(), "ID").String() == cpu, "profile types: %v", m)
	m, err = call("LabelNames", "QuerierNamesResponse", message("QuerierNamesRequest", map[string]any{"matchers": []string{cpu + selector}, "start": now - 60000, "end": now}))
	must(err)
	check(slices.Contains(texts(m, "names"), "service_name"), "label names: %v", m)
	m, err = call("LabelValues", "QuerierNamesResponse", message("QuerierValuesRequest", map[string]any{"name": "service_name", "matchers": []string{selector}, "start": now - 60000, "end": now}))
	must(err)
	check(slices.Equal(texts(m, "names"), []string{service}), "label values: %v", m)
	query := map[string]any{"profile_typeID": cpu, "label_selector": selector, "start": now - 120000, "end": now}
	m, err = call("SelectMergeStacktraces", "QuerierMergeResponse", message("QuerierMergeRequest", query))
	must(err)
	graph := get(m, "flamegraph").Message()
	check(slices.Contains(texts(graph, "names"), "main") && get(graph, "total").Int() > 1e9, "stack traces: %v", m)
	query["step"], query["group_by"] = 15.0, []string{"service_name"}
	m, err = call("SelectSeries", "QuerierPointsResponse", message("QuerierPointsRequest", query))
	must(err)
	check(get(m, "series").List().Len() == 1, "series: %v", m)
}

func refusals() {
	_, err := call("SelectMergeStacktraces", "QuerierMergeResponse", message("QuerierMergeRequest", map[string]any{"profile_typeID": cpu, "label_selector": "{x="}))
	check(connect.CodeOf(err) == connect.CodeInvalidArgument && strings.Contains(err.Error(), "position"), "a wrong selector: %v", err)
	_, err = call("NoSuchCall", "QuerierMergeResponse", message("QuerierMergeRequest", nil))
	check(connect.CodeOf(err) == connect.CodeUnimplemented, "an unknown call: %v", err)
	had := auth
	auth = "Basic " + base64.StdEncoding.EncodeToString([]byte("ringprof:wrong"))
	_, err = call("ProfileTypes", "QuerierTypesResponse", message("QuerierTypesRequest", nil))
	check(connect.CodeOf(err) == connect.CodeUnauthenticated, "a wrong credential: %v", err)
	auth = had
}

func main() {
	load(os.Args[1])
	url = os.Args[2]
	auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(os.Args[3]+":"+os.Args[4]))
	for _, way := range [][]connect.ClientOption{nil, {connect.WithSendGzip()}, {connect.WithProtoJSON()}} {
		options = way
		calls(os.Args[5])
		refusals()
	}
}
