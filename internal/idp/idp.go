// Package idp lets people in whose identity another provider vouches for, and reads what it says of them into the
// Normalized User Profile.
package idp
