package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is what /proc counts processor time in on Linux.
const ticksPerSecond = 100

// cpu is the processor time that processes have used, from process accounting.
func cpu(pids ...int) time.Duration {
	var ticks int64
	for _, pid := range pids {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		ticks += ticksOf(string(content))
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// ticksOf is user and system time of a line of /proc/PID/stat. The name in brackets may hold anything.
func ticksOf(stat string) int64 {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return user + system
}

// resident is the memory of a process now and at its peak, in bytes.
func resident(pid int) (now, peak int64) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(content)) {
		name, rest, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kilobytes << 10
		case "VmHWM":
			peak = kilobytes << 10
		}
	}
	return now, peak
}

// busy is the processor time of the whole machine so far.
func busy() time.Duration {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(content), "\n")
	var ticks int64
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 { // "cpu", idle, waiting
			continue
		}
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// server finds the database server's process: that of a MariaDB or MySQL on this machine, if there is one.
func server() int {
	names, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, name := range names {
		content, _ := os.ReadFile(name)
		if comm := strings.TrimSpace(string(content)); comm == "mariadbd" || comm == "mysqld" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			return pid
		}
	}
	return 0
}
