import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Draw } from '../engine/draw.js';
import { Sample } from '../engine/sample.js';
import { arrivals, type Load } from '../model/load.js';

export const CAMPAIGN = 'simulated';
/** Two of three leads are an analyst's, whom the heuristic ranks below the third, of a VP. */
export const RANKS = [2 / 3, 1 / 3];
/** Leads of one measurement differ from those of another. */
let people = 0;

function leadOf(person: number): string {
  return JSON.stringify({
    email: `person${person}@enterprise.com`,
    name: 'Alex Smith',
    campaign_id: CAMPAIGN,
    company: 'Enterprise',
    title: person % 3 === 0 ? 'VP Sales' : 'Analyst',
    message: `Please schedule a demo for our team of ${person}.`,
  });
}

/** Sends the load on schedule, without waiting for earlier answers, and times each answer. @throws if one is no 2xx. */
export async function send(url: string, load: Load, seed: number): Promise<{ acks: Sample; cpuMs: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const acks = new Sample();
  const open: Promise<void>[] = [];
  const cpu = process.cpuUsage();
  const began = performance.now();
  for (const at of arrivals(load, new Draw(seed))) {
    const wait = began + at - performance.now();
    if (wait > 1) await sleep(wait);
    open.push(post(`${url}/leads`, agent, leadOf(people++), acks));
  }
  await Promise.all(open);
  agent.destroy();
  const { user, system } = process.cpuUsage(cpu);
  return { acks, cpuMs: (user + system) / 1000 };
}

function post(url: string, agent: Agent, body: string, acks: Sample): Promise<void> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => {
        acks.add(performance.now() - began);
        if (answer.statusCode === 202) resolve();
        else reject(new Error(`POST /leads was answered ${answer.statusCode}.`));
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
